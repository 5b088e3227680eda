"""Pure: the definitions of tags, one file each."""
