"""What people look at: the web page with its sketch pad, and the window of the camera."""
