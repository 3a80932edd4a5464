# Writes the schema into a C++ string, so that the programs need no file beside them.
file(READ ${SCHEMA} text)
file(WRITE ${OUTPUT} "namespace tl {
extern const char* const experiment_schema_text;
const char* const experiment_schema_text = R\"schema(${text})schema\";
}  // namespace tl
")
