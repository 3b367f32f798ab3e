schedule --auto --import data/order.csv
