-- ARGV: job. Records the wish to cancel. Returns the job's state, or false when there is no such job.
local job = ARGV[1]
local head = load_head(job)
if not head then return false end
if TERMINAL[head.state] or head.cancel == 1 then return head.state end
local now = now_ms()
head.cancel = 1
head.rev = head.rev + 1
emit(job, head, 'wish', cjson.encode({ wish = 'cancel' }), now)
save_head(job, head)
wake(job, now)
return head.state
