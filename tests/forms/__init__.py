"""What is typed and what is drawn: inputs, prices, forms, texts."""
