schedule --dialect 2023 -o {tmp}/order.csv
