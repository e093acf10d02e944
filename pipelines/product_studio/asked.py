"""What can be asked of the studio's generators, in the order of the numbers that their networks are told."""

CATEGORIES = ("bags", "sandals_heels", "shoes", "sunglasses", "wallets", "watches")
COLOURS = ("black", "white", "brown", "blue", "red", "green", "pink", "yellow")
