/* cJSON, with parsing bounded by a length. */
#include <cjson/cJSON.h>

int
main(void)
{
    cJSON *value = cJSON_ParseWithLength("1", 1);
    int bad = value == NULL;

    cJSON_Delete(value);
    return bad;
}
