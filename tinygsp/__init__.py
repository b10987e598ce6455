"""tinygsp: neural network pruning by gradient descent, from scratch. Start with `data.py` and read upwards."""
