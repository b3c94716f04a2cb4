document.body.textContent = await (await fetch('/api/items')).text();
