"""Data sets and bundles on a Hugging Face hub; huggingface_hub is loaded only when a repository is opened."""
