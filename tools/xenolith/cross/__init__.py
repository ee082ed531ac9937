"""Programs for the target made from source: a Debian source tree, our patches, a cross compiler."""
