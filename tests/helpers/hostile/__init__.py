"""Files that may come from anybody: good ones, ways to spoil them, bombs, and the judge of what a reader does."""
