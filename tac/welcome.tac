"""Welcome on TCP port 30000 of 127.0.0.1: says its text, then closes so that all of it arrives.

twistd -ny tac/welcome.tac

A service of Twisted alone: any server endpoint's description takes the place of the first argument.
A port that is taken shows as Twisted's traceback; greeting.tac has one line for it.
"""

from twisted.application import service, strports

from sockproto import WelcomeFactory

application = service.Application("welcome")

strports.service(
    "tcp:30000:interface=127.0.0.1", WelcomeFactory("Welcome! 欢迎!\r\n".encode())
).setServiceParent(application)
