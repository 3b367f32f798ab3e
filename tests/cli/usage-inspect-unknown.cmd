inspect modle
