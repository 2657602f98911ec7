"""What the gateway counts."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("dojo_gateway_connections", "Open sockets, by door: json, msgpack, editor.", ["door"])
REFUSED = Counter("dojo_gateway_refused", "Sockets not let in, by reason.", ["reason"])
CLOSED = Counter("dojo_gateway_closed", "Sockets closed by us, by reason.", ["reason"])
EVENTS = Counter("dojo_gateway_events", "Events of clients, by name and outcome.", ["event", "outcome"])
DELIVERIES = Counter("dojo_gateway_deliveries", "Packets handed to sockets, by kind.", ["kind"])
DROPPED = Counter("dojo_gateway_dropped", "Signals and awareness not delivered, by reason.", ["reason"])
RESUMES = Counter("dojo_gateway_tail_reads", "Reads of the logs for hinted or lagging channels, by cause.", ["cause"])
CHANNELS = Gauge("dojo_gateway_channels", "Channels that someone here hears.")
DOCUMENTS = Gauge("dojo_gateway_documents", "Shared documents open here.")
UPDATES = Counter("dojo_gateway_updates", "Editor updates of clients, by outcome.", ["outcome"])
UPDATE_GROUP = Histogram(
    "dojo_gateway_update_group", "Editor updates of one document appended together.", buckets=(1, 2, 4, 8, 16, 32, 64)
)
GHOSTS = Counter("dojo_gateway_ghosts", "Connections of dead gateways that were swept.")
