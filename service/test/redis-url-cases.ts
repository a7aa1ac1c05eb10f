/** A password that no message may show. */
export const secret = "s3cret";

/** Valid Redis URLs, and the parts that both the service and the stack must parse. */
export const validRedisUrls = [
  ["redis://localhost", "localhost", 6379, "", ""],
  ["redis://redis:6380/", "redis", 6380, "", ""],
  ["redis://192.0.2.7/15", "192.0.2.7", 6379, "", ""],
  ["redis://[2001:db8::1]:6380/0", "2001:db8::1", 6380, "", ""],
  ["redis://user@redis_1.example.com", "redis_1.example.com", 6379, "user", ""],
  ["rediss://user:pass@redis.example.com:6380/2", "redis.example.com", 6380, "user", "pass"],
  ["redis://:p%2B%20%23%2Fw@cache", "cache", 6379, "", "p+ #/w"],
  ["redis://:p@ss:word@cache", "cache", 6379, "", "p@ss:word"],
  ["redis://us%C3%A9r:p%C3%A4ss@cache", "cache", 6379, "usér", "päss"],
] as const;

/** Valid URLs of Unix sockets, which a pod can't reach. */
export const validSocketUrls = [
  "unix:///run/redis.sock",
  "unix:///run/@redis%20.sock?db=1",
  `unix://user:${secret}@/run/redis.sock`,
] as const;

/** Invalid Redis URLs, with the part that is invalid. */
export const invalidRedisUrls = [
  ["", "scheme"],
  [`user:${secret}@redis:6379`, "scheme"],
  [`http://:${secret}@redis`, "scheme"],
  [`REDIS://:${secret}@redis`, "scheme"],
  [`redis:/:${secret}@redis`, "scheme"],
  ["redis://", "host"],
  [`redis://:${secret}@`, "host"],
  [`redis://:${secret}@:6379`, "host"],
  [`redis://:${secret}@re dis`, "host"],
  [`redis://:${secret}@rédis`, "host"],
  [`redis://:${secret}@-redis`, "host"],
  [`redis://:${secret}@[::1`, "host"],
  [`redis://:${secret}@[redis]`, "host"],
  [`redis://:${secret}@::1`, "host"],
  [`redis://:${secret}@redis:`, "port"],
  [`redis://:${secret}@redis:0`, "port"],
  [`redis://:${secret}@redis:65536`, "port"],
  [`redis://:${secret}@redis:6379a`, "port"],
  [`redis://:${secret}@[::1]6379`, "host"],
  [`redis://us/er:${secret}@redis`, "user"],
  [`redis://us%zzer:${secret}@redis`, "user"],
  [`redis://user:${secret}#1@redis:6379`, "password"],
  [`redis://user:${secret}/1@redis:6379`, "password"],
  [`redis://user:${secret}?1@redis:6379`, "password"],
  [`redis://user:${secret} 1@redis:6379`, "password"],
  [`redis://user:${secret}%@redis`, "password"],
  [`redis://user:${secret}%ff@redis`, "password"],
  [`redis://user:${secret}%00@redis`, "password"],
  [`redis://user:${secret}%0a@redis`, "password"],
  [`redis://:${secret}@redis/x`, "database"],
  [`redis://:${secret}@redis/-1`, "database"],
  [`redis://:${secret}@redis/1.5`, "database"],
  [`redis://:${secret}@redis/0/1`, "database"],
  [`redis://:${secret}@redis/2147483648`, "database"],
  [`rediss://:${secret}@redis?ssl_cert_reqs=none`, "query"],
  [`rediss://:${secret}@redis/0?db=1`, "query"],
  [`redis://:${secret}@redis#1`, "fragment"],
  [`redis://:${secret}@redis/0#`, "fragment"],
  ["unix://", "path"],
  ["unix:///", "path"],
  [`unix://:${secret}@run/redis.sock`, "path"],
  ["unix:///run/re dis.sock", "path"],
  ["unix:///run/%zz.sock", "path"],
  [`unix://user:${secret}%@/run/redis.sock`, "password"],
  ["unix:///redis.sock?db=a", "database"],
  ["unix:///redis.sock?database=1", "query"],
  ["unix:///redis.sock#1", "fragment"],
] as const;
