"""`python -m connectors`: the same as `lawang connectors`."""

from connectors.commands import connectors

if __name__ == "__main__":
    connectors()
