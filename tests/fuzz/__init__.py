"""Everything that reads foreign bytes, fed with bytes that are wrong."""
