"""Search for laws: proposers, a gateway that sees train rows only, an archive, a loop."""
