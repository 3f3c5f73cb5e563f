-- ARGV: job, step, token, owner, ticket ('' takes it away), spec, work
-- The holder notes what goes on elsewhere while it goes on working. Returns 'ok', or 'lost' also when the job is cancelled:
-- nothing may be sent any more. A ticket that gets lost so is called off. Leaves rev alone: no decision depends on it.
local job, step, token, ticket = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[5]
local head, fields = load_head(job), load_step(job, step)
local holds = head and fields and fields.token == token and fields.state == 'running' and not TERMINAL[head.state]
if not holds or head.cancel == 1 then
  local known = fields and fields.ticket == ticket
  if ticket ~= '' and not known then call_off(ARGV[4], job, step, ticket, ARGV[6], now_ms(), ARGV[7]) end
  return 'lost'
end
fields.ticket = ticket ~= '' and ticket or nil
save_step(job, step, fields)
return 'ok'
