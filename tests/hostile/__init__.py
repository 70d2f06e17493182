"""Programs that cheat or do harm, each with the end that it must come to."""
