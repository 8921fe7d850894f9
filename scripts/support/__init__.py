"""What the scripts of this folder share. Standard library only."""
