"""The pages of the web app, one function `show` each."""
