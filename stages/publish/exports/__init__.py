"""The published tables in the shapes that other libraries read, one library a file."""
