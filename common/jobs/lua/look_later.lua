-- ARGV: job, ms. Puts off the next look at a job that has one.
redis.call('ZADD', 'due', 'XX', now_ms() + tonumber(ARGV[2]), ARGV[1])
return 1
