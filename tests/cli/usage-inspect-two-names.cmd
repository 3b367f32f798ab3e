inspect model gpt3-13b gpt2
