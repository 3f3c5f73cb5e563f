"""The part that all services share: consuming a queue and running steps, with claim, heartbeat, drain and slots."""
