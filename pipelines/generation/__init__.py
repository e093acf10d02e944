"""What the methods that make pictures from noise share: networks, training, sampling, measures."""
