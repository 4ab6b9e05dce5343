"""签名代理 The signing agent: a program at the signer's own machine that holds his key.

It listens on the loopback address alone, shows in plain words what is to be signed, asks him, and
signs. It never signs a digest that it was handed: e is made here, of a document that it can read.
The protocol, which a maker of devices may implement himself, is docs/sign-agent.md.
"""

AGENT_PORT = 9171  # on 127.0.0.1; the console's policy lets its page ask there
