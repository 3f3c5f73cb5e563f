-- ARGV: job, step, token, owner, ticket ('' takes it away), spec
-- The holder notes what goes on elsewhere while it goes on working. Returns 'ok' or 'lost'; a ticket that gets lost with the
-- claim is called off. Leaves rev alone: no decision depends on it.
local job, step, token, ticket = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[5]
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or fields.token ~= token or fields.state ~= 'running' or TERMINAL[head.state] then
  local known = fields and fields.ticket == ticket
  if ticket ~= '' and not known then call_off(ARGV[4], job, step, ticket, ARGV[6], now_ms()) end
  return 'lost'
end
fields.ticket = ticket ~= '' and ticket or nil
save_step(job, step, fields)
return 'ok'
