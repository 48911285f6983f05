"""How the roles talk: frames without pickle, conversations that outlive a lost stream, sealed training data."""
