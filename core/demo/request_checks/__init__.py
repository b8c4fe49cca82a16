"""Checks of every request before moto answers it: signature, permissions and limits of AWS.

moto accepts any signature, expired presigned URLs, deactivated keys and requests beyond AWS's
limits. The checks refuse what AWS would refuse, with AWS's error answer, and forward everything
else to moto as an ordinary signed request.
"""
