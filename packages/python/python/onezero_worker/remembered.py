"""What is made of a text once, for texts that come again: a client says most of what it says in each of its requests."""

MAX_TEXTS = 256
MAX_LENGTH = 2048


class Remembered(dict):
    """
    `remembered[text]` is `make(text)`, made once for a text that came before. What never comes again is not kept, and neither are
    long texts; what is kept is given to many, and must not be changed.
    """

    def __init__(self, make):
        super().__init__()
        self.make = make
        self.once = set()

    def __missing__(self, text):
        made = self.make(text)
        if len(text) > MAX_LENGTH:
            return made
        seen = hash(text)
        if seen not in self.once:
            if len(self.once) >= MAX_TEXTS:
                self.once.clear()
            self.once.add(seen)
            return made
        if len(self) >= MAX_TEXTS:
            self.clear()
        self[text] = made
        return made
