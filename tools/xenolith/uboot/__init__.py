"""U-Boot: image formats and boot scripts."""
