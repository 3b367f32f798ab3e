measure here
