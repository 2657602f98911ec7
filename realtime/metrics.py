"""What the gateway counts."""

from prometheus_client import Counter, Gauge

from core.telemetry import Tallies, Tally

CONNECTIONS = Gauge("dojo_gateway_connections", "Open sockets, by door: json, msgpack, editor.", ["door"])
REFUSED = Counter("dojo_gateway_refused", "Sockets not let in, by reason.", ["reason"])
CLOSED = Counter("dojo_gateway_closed", "Sockets closed by us, by reason.", ["reason"])
EVENTS = Tallies("dojo_gateway_events", "Events of clients, by name and outcome.", "event", "outcome")
DELIVERIES = Tallies("dojo_gateway_deliveries", "Packets handed to sockets, by kind.", "kind")
DROPPED = Counter("dojo_gateway_dropped", "Signals and awareness not delivered, by reason.", ["reason"])
RESUMES = Counter("dojo_gateway_tail_reads", "Reads of the logs for hinted or lagging channels, by cause.", ["cause"])
CHANNELS = Gauge("dojo_gateway_channels", "Channels that someone here hears.")
DOCUMENTS = Gauge("dojo_gateway_documents", "Shared documents open here.")
DOCUMENT_BYTES = Gauge("dojo_gateway_document_bytes", "Bytes of the updates that they consist of.")
UPDATES = Tallies(
    "dojo_gateway_updates", "Editor updates, by outcome; what a client typed at one go is one.", "outcome"
)
GONE = Gauge("dojo_gateway_gone", "Connections to channels that are gone and not seen off yet.")
ENDED_SIGN_INS = Gauge("dojo_gateway_ended_sign_ins", "Ended sign-ins that are remembered.")
GHOSTS = Counter("dojo_gateway_ghosts", "Connections of dead gateways that were swept.")
CHECKPOINTS = Counter("dojo_document_checkpoints", "Attempts to merge a document's log, by outcome.", ["outcome"])
DAMAGED = Counter("dojo_document_checkpoints_damaged", "Times that a checkpoint was not what had been stored.")
SENT_BYTES = Tally("dojo_gateway_sent_bytes", "Bytes written to WebSockets, with their frames.")
RECEIVED_BYTES = Tally("dojo_gateway_received_bytes", "Bytes read from WebSockets, with their frames.")
BACKLOG = Gauge("dojo_gateway_backlog_bytes", "Bytes that wait for clients to read.", ["door"])
BACKLOG_MOST = Gauge("dojo_gateway_backlog_most_bytes", "Bytes that wait for the slowest client.", ["door"])
INBOX_PAUSES = Counter("dojo_gateway_pauses", "Times that a client or an editor sent faster than it was answered.")
PENDING = Gauge("dojo_gateway_pending_bytes", "Bytes of updates of shared documents on their way to the log.")
PENDING_MOST = Gauge("dojo_gateway_pending_most_bytes", "The same, of the document that has most of them.")
