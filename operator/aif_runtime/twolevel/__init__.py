"""Split learning below, federated learning above: groups, consent, invitations, the forwarding plane ([NET4AI])."""
