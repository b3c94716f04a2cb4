"""Which connections have something to read, for threads that share them.

Each connection carries one request at a time, and any thread may serve it. A thread that has answered goes on with a request that
has already come, instead of sleeping while the one that was woken for it waits for the interpreter's lock: the other is needed only
once a thread waits for something else. As many requests run at once as there are threads.
"""

import select


class Ready:
    """Hands each connection that has bytes to one thread at a time."""

    def __init__(self, connections):
        self.epoll = select.epoll()
        self.connections = {connection.socket.fileno(): connection for connection in connections}
        # ONESHOT: until its request is answered, bytes of a connection wake nobody else.
        self.events = select.EPOLLIN | select.EPOLLONESHOT
        for descriptor in self.connections:
            self.epoll.register(descriptor, self.events)

    def serve_next(self):
        """Waits for a request on any connection, and answers it."""
        for descriptor, _ in self.epoll.poll(-1, 1):
            connection = self.connections[descriptor]
            close = connection.begin_request()
            while connection.start < connection.end:  # has been received, and will not be told again
                if close is not None:
                    close()
                close = connection.begin_request()
            self.epoll.modify(descriptor, self.events)
            if close is not None:  # may take long, and the server has the response
                close()


def shared_turns(connections):
    """What each thread does again and again; None on systems without epoll, where each thread serves a connection of its own."""
    return Ready(connections).serve_next if hasattr(select, "epoll") else None
