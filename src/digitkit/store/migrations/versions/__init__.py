"""One file per version, each with what it changes; a file that was released is never edited."""
