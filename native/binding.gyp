{
  "targets": [
    {
      "target_name": "ring",
      "sources": ["ring.c"],
      "cflags": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "libraries": ["-ldl"]
    }
  ]
}
