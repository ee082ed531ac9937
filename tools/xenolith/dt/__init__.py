"""Device trees: read, edit and write blobs."""
