{
  "targets": [
    {
      "target_name": "ring",
      "sources": ["ring.c", "raw.c"],
      "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "libraries": ["-ldl"]
    }
  ]
}
