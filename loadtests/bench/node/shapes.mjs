// What the peers send to a room: the same words as the gateway's own, so that all carry the same bytes.
export function signalOf(payload, by) {
  return { room_id: payload.room_id, kind: payload.kind, value: payload.value, by };
}

export function chatOf(payload, by, seq) {
  return {
    room_id: payload.room_id, epoch: 1, seq, op_id: payload.op_id, kind: "chat_sent", actor_id: by, at: Date.now() / 1000,
    payload: { kind: "chat_sent", message: { id: payload.op_id, by, text: payload.text, to: null, at: Date.now() / 1000 } },
  };
}
