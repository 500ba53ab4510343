"""What stands between the network and the routes: who may call how often, how much, how slowly, and under which name.

It knows nothing of customers, carriers or the desk, and reads no body.
"""
