-- ARGV: job, step, ticket. There is news of the work that the ticket stands for: the step runs now, or once more after it
-- has run. Returns 'ok', or 'gone' when the step does not wait for it (any more).
local job, step = ARGV[1], ARGV[2]
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or TERMINAL[head.state] or fields.ticket ~= ARGV[3] then return 'gone' end
if fields.state == 'running' then
  fields.woken = 1
  save_step(job, step, fields)
  return 'ok'
end
if fields.state ~= 'deferred' and fields.state ~= 'unknown' then return 'ok' end  -- it will look anyway
local now = now_ms()
move(STEP_MOVES, fields, 'ready')
fields.not_before = 0
head.rev = head.rev + 1
emit(job, head, 'step', cjson.encode({ step = step, state = 'ready' }), now)
save_step(job, step, fields)
save_head(job, head)
ready_from(queue_of(step), head, job, step, now, now)
wake(job, now)
return 'ok'
