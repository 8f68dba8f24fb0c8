// Where Prisma finds the schema. The connection is the client's: it comes from the benchmark.
import { defineConfig } from "prisma/config";

export default defineConfig({ schema: "schema.prisma" });
