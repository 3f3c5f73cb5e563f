-- ARGV: job, step, worker. Whoever saw the worker die says so: its lease ends now. Returns 1, or 0 when it held none.
local job, step = ARGV[1], ARGV[2]
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or fields.state ~= 'running' or fields.worker ~= ARGV[3] then return 0 end
local now = now_ms()
fields.lease = now
head.rev = head.rev + 1
save_step(job, step, fields)
save_head(job, head)
wake(job, now)
return 1
