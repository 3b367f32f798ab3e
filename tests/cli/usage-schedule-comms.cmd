schedule --comms
