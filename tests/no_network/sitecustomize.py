"On PYTHONPATH, this lets Python speak to its own machine only."
import socket

def guard(real):
    def connect(self, address):
        outside = self.family in (socket.AF_INET, socket.AF_INET6)
        if outside and address[0] not in ('127.0.0.1', '::1', 'localhost'):
            raise OSError(f'no network in this test: {address}')
        return real(self, address)
    return connect

socket.socket.connect = guard(socket.socket.connect)
socket.socket.connect_ex = guard(socket.socket.connect_ex)
