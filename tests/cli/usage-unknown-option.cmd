plan --modle gpt.json
