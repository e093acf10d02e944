"""LPD, the Landscape Paintings Dataset: 256x256 crops of Chinese landscape paintings."""
