"""What happens to pictures in training."""
