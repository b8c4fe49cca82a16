"""The gate before moto: it checks who asks and what they may do, and answers as AWS does.

moto takes any signature, expired links, deactivated keys and requests beyond AWS's limits. The
gate lets through only what AWS would, and hands it to moto as an ordinary signed request.
"""
