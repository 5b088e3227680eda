"""Pure: signatures of messages between us and payment providers."""
